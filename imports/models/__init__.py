"""The models of imports: an import, what its file becomes, and which rows it made."""

from imports.models.contents import ImportBlock, ImportedRows, ImportFile
from imports.models.file_import import Import

__all__ = ["Import", "ImportBlock", "ImportFile", "ImportedRows"]
