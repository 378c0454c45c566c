"""Geometry of drawings: shares of a width, pixels of a height; templates/charts.html draws them."""
