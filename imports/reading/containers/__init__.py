"""What packs or holds a file: archives, workbooks, databases, markup."""
