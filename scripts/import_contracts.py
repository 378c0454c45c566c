"""A contract for import-linter: some modules import the standard library and this project only."""

import sys
from typing import Any

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output

__all__ = ["StandardLibraryOnly"]


class StandardLibraryOnly(Contract):
    """Kept when no module imports a distribution directly, except those of ``beside``.

    An allow list, where import-linter's own ``forbidden`` would need the name of every package.
    """

    type_name = "standard_library_only"

    modules = fields.SetField(subfield=fields.ModuleExpressionField())
    beside = fields.SetField(subfield=fields.StringField(), required=False)

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        allowed = {"whycold", *sys.stdlib_module_names, *self._options("beside")}
        strangers = [
            (importer, imported)
            for expression in self._options("modules")
            for importer in sorted(graph.find_matching_modules(str(expression)))
            for imported in sorted(graph.find_modules_directly_imported_by(importer))
            if imported.split(".")[0] not in allowed
        ]
        return ContractCheck(kept=not strangers, metadata={"strangers": strangers})

    def render_broken_contract(self, check: ContractCheck) -> None:
        for importer, imported in check.metadata["strangers"]:
            output.print_error(f"{importer} imports {imported}")
        output.new_line()

    def _options(self, name: str) -> list[Any]:
        return list(getattr(self, name) or ())
