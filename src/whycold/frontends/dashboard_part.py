"""The dashboard's process: it reads the store and answers, and leaves orders for the recorder."""

from __future__ import annotations

from whycold.frontends.serve_parts import DashboardOrder, Said, say, take_order, until_unwanted
from whycold.frontends.web.server import Dashboard, run_dashboard

__all__ = ["main"]


def main() -> None:
    """Answer until standard input ends or SIGTERM comes."""
    take_order(DashboardOrder, _serve)


def _serve(order: DashboardOrder) -> None:
    about = Dashboard(
        order.store,
        order.spool,
        order.hosts,
        order.token,
        order.orders,
        order.alerts,
        order.metrics,
        order.settings,
    )
    run_dashboard(about, order.socket, ready=lambda: say(Said()), unwanted=until_unwanted)


if __name__ == "__main__":
    main()
