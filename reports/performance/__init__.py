"""What the admin shows of investments: holdings and lots on an asset's page."""
