"""Programs that record their own calls: copies taken inside of the HTTP clients of SDKs."""
