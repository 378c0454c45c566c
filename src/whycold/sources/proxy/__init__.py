"""The recording proxy: bytes out first, a reference to the tee second."""

from whycold.sources.proxy.config import VENDORS, Limits, ProxyConfig, Upstream
from whycold.sources.proxy.server import ProxyServer, serve

__all__ = ["VENDORS", "Limits", "ProxyConfig", "ProxyServer", "Upstream", "serve"]
