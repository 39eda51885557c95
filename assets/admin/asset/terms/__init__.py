"""How an asset is valued, on its page: the terms in words, the forms and the page that edits them."""
