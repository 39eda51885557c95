"""What the admin shows of investments: the page /admin/performance/, and holdings and lots on an asset's page."""
