"""Which small bugs can be made in a module: every mutant of its syntax tree, named so that the name survives edits.

What is mutated: comparisons and their bounds, constants, `and`, `or` and `not`, arithmetic, members of enums,
elements of tables and sets, arguments, conditions, cases, decorators, whole statements. What is not: annotations,
docstrings, imports and the wording of errors; `slots=True` (it changes no behaviour); cases that cannot be reached.
"""

import ast
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

COMPARISONS: Final[dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
ARITHMETIC: Final[dict[type[ast.operator], type[ast.operator]]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
}
TWINS: Final = {"min": "max", "max": "min", "any": "all", "all": "any"}
WITHOUT: Final = frozenset({"lower", "upper", "casefold", "strip", "sort"})
"""Methods that may be left out."""

SHOWN_MAX: Final = 110


@dataclass(frozen=True, slots=True)
class Mutant:
    """`name` is the same as long as its line is; `plant` changes the tree that it was found in."""

    file: str
    name: str
    plant: Callable[[], None]


def enums_of(files: Sequence[Path]) -> dict[str, list[str]]:
    """Every enum and its members, in their order."""
    found = {}
    for path in files:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ClassDef) and any("Enum" in ast.unparse(base) for base in node.bases):
                targets = [s.targets[0] for s in node.body if isinstance(s, ast.Assign)]
                found[node.name] = [target.id for target in targets if isinstance(target, ast.Name)]
    return found


def mutants_of(tree: ast.Module, file: str, enums: Mapping[str, list[str]]) -> Iterator[Mutant]:
    """The mutants of a module in the order of its lines, each named once."""
    seen: Counter[str] = Counter()
    for place, change, plant in _Finder(enums).found(tree):
        seen[f"{place} {change}"] += 1
        number = seen[f"{place} {change}"]
        yield Mutant(file, f"{place}: {change}" + (f" #{number}" if number > 1 else ""), plant)


Found = tuple[str, str, Callable[[], None]]


def _put(parent: ast.AST, field: str, index: int | None, new: Any) -> Callable[[], None]:
    def plant() -> None:
        if index is None:
            setattr(parent, field, new)
        else:
            getattr(parent, field)[index : index + 1] = [] if new is None else [new]

    return plant


def _shown(node: ast.AST) -> str:
    """The node on one line; of a compound statement its head."""
    text = ast.unparse(node)
    head = text.split("\n")[0] if isinstance(node, ast.stmt) else text
    return re.sub(r"\s+", " ", head)[:SHOWN_MAX]


class _Finder:
    def __init__(self, enums: Mapping[str, list[str]]) -> None:
        self._enums = enums

    def found(self, tree: ast.Module) -> Iterator[Found]:
        for number, statement in enumerate(tree.body):
            yield from self._statement(tree, "body", number, statement, "")

    def _statement(self, parent: ast.AST, field: str, index: int, node: ast.stmt, place: str) -> Iterator[Found]:
        match node:
            case (
                ast.Import()
                | ast.ImportFrom()
                | ast.Pass()
                | ast.Expr(value=ast.Constant())
                | ast.AnnAssign(value=None)
            ):
                return
            case ast.Assign(value=ast.BinOp(op=ast.BitOr()) | ast.Subscript()) if not place:
                return  # a name for a type
            case ast.FunctionDef() | ast.ClassDef():
                yield from self._definition(node, f"{place}.{node.name}" if place else node.name)
                return
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)) if not place:
                place = name
            case _ if isinstance(parent, ast.Module | ast.ClassDef):
                pass
            case ast.Return(value=None):
                pass
            case ast.Return(value=value):
                if not isinstance(value, ast.Constant):
                    yield place, f"{_shown(node)} -> return None", _put(node, "value", None, ast.Constant(None))
            case _:
                yield place, f"without {_shown(node)}", _put(parent, field, index, ast.Pass())
        if isinstance(node, ast.If | ast.While) and not isinstance(node.test, ast.Compare | ast.UnaryOp):
            turned = ast.UnaryOp(ast.Not(), node.test)
            yield place, f"{_shown(node)} -> not", _put(node, "test", None, turned)
        yield from self._children(node, place, f" in {_shown(node)}")

    def _definition(self, node: ast.FunctionDef | ast.ClassDef, place: str) -> Iterator[Found]:
        for number, decorator in enumerate(node.decorator_list):
            yield place, f"without @{_shown(decorator)}", _put(node, "decorator_list", number, None)
            for keyword in decorator.keywords if isinstance(decorator, ast.Call) else ():
                if keyword.arg != "slots":
                    yield from self._expression(keyword, "value", None, keyword.value, place, " of the decorator")
        if isinstance(node, ast.FunctionDef):
            for field in ("defaults", "kw_defaults"):
                for number, default in enumerate(getattr(node.args, field)):
                    if default is not None:
                        yield from self._expression(node.args, field, number, default, place, " by default")
        for number, statement in enumerate(node.body):
            yield from self._statement(node, "body", number, statement, place)

    def _children(self, node: ast.AST, place: str, within: str) -> Iterator[Found]:
        for field, value in ast.iter_fields(node):
            if field in {"annotation", "returns", "ctx", "decorator_list"} or (isinstance(node, ast.Raise)):
                continue
            for index, child in enumerate(value) if isinstance(value, list) else [(None, value)]:
                if isinstance(child, ast.stmt) and index is not None:
                    yield from self._statement(node, field, index, child, place)
                elif isinstance(child, ast.expr):
                    yield from self._expression(node, field, index, child, place, within)
                elif isinstance(child, ast.match_case) and isinstance(node, ast.Match) and index is not None:
                    yield from self._case(node, index, child, place)
                elif isinstance(child, ast.AST) and not isinstance(child, ast.stmt | ast.arguments):
                    yield from self._children(child, place, within)

    def _case(self, match: ast.Match, index: int, case: ast.match_case, place: str) -> Iterator[Found]:
        if "assert_never" in ast.unparse(case.body[0]):
            return
        shown = f"case {_shown(case.pattern)}"
        if len(match.cases) > 1:
            yield place, f"without {shown}", _put(match, "cases", index, None)
        if isinstance(case.pattern, ast.MatchOr):
            for number, one in enumerate(case.pattern.patterns):
                rest = case.pattern.patterns[:number] + case.pattern.patterns[number + 1 :]
                pattern = rest[0] if len(rest) == 1 else ast.MatchOr(rest)
                yield place, f"without {_shown(one)} in {shown}", _put(case, "pattern", None, pattern)
        if case.guard is not None:
            yield place, f"without if {_shown(case.guard)} in {shown}", _put(case, "guard", None, None)
        yield from self._children(case, place, f" in {shown}")

    def _expression(
        self, parent: ast.AST, field: str, index: int | None, node: ast.expr, place: str, within: str
    ) -> Iterator[Found]:
        for new in self._instead_of(node):
            yield place, f"{_shown(node)} -> {_shown(new)}{within}", _put(parent, field, index, new)
        for change, plant in _inside(node):
            yield place, change + within, plant
        yield from self._children(node, place, within)

    def _instead_of(self, node: ast.expr) -> Iterator[ast.expr]:
        match node:
            case ast.Constant(value=value):
                yield from (ast.Constant(other) for other in _other_constants(value))
            case ast.BoolOp(op=operator, values=values):
                yield ast.BoolOp(ast.Or() if isinstance(operator, ast.And) else ast.And(), values)
                for number in range(len(values)):
                    rest = values[:number] + values[number + 1 :]
                    yield rest[0] if len(rest) == 1 else ast.BoolOp(operator, rest)
            case ast.UnaryOp(op=ast.Not() | ast.USub(), operand=operand):
                yield operand
            case ast.BinOp(op=operator) if type(operator) in ARITHMETIC:
                yield ast.BinOp(node.left, ARITHMETIC[type(operator)](), node.right)
            case ast.IfExp(body=body, orelse=orelse):
                yield from (body, orelse)
            case ast.Attribute(value=ast.Name(id=enum), attr=member) if member in self._enums.get(enum, ()):
                members = self._enums[enum]
                following = members[(members.index(member) + 1) % len(members)]
                yield ast.Attribute(node.value, following, ast.Load())
            case ast.Call(func=ast.Name(id=name)) if name in TWINS:
                yield ast.Call(ast.Name(TWINS[name], ast.Load()), node.args, node.keywords)
            case ast.Call(func=ast.Attribute(value=receiver, attr=name), args=[]) if name in WITHOUT:
                yield receiver
            case _:
                return


def _inside(node: ast.expr) -> Iterator[tuple[str, Callable[[], None]]]:
    """What can be changed or left out within an expression that stays what it is."""
    match node:
        case ast.Compare():
            yield from _comparisons(node)
        case ast.Tuple(elts=elements) | ast.List(elts=elements) | ast.Set(elts=elements):
            for number, element in enumerate(elements):
                yield f"without {_shown(element)}", _put(node, "elts", number, None)
        case ast.Dict(keys=keys):
            yield from ((f"without {_shown(k)}", _without_key(node, n)) for n, k in enumerate(keys) if k is not None)
        case ast.Call():
            yield from _arguments(node)
        case ast.ListComp() | ast.SetComp() | ast.GeneratorExp() | ast.DictComp():
            for part in node.generators:
                for number, condition in enumerate(part.ifs):
                    yield f"without if {_shown(condition)}", _put(part, "ifs", number, None)
        case _:
            return


def _comparisons(node: ast.Compare) -> Iterator[tuple[str, Callable[[], None]]]:
    for number, operator in enumerate(node.ops):
        for other in COMPARISONS[type(operator)]:
            ops = [*node.ops[:number], other(), *node.ops[number + 1 :]]
            turned = _shown(ast.Compare(node.left, ops, node.comparators))
            yield f"{_shown(node)} -> {turned}", _put(node, "ops", number, other())


def _arguments(node: ast.Call) -> Iterator[tuple[str, Callable[[], None]]]:
    for number, arg in enumerate(node.args):
        if not isinstance(arg, ast.Constant | ast.GeneratorExp | ast.Starred):
            yield f"{_shown(arg)} -> None", _put(node, "args", number, ast.Constant(None))
    for number, keyword in enumerate(node.keywords):
        yield f"without {keyword.arg}=", _put(node, "keywords", number, None)


def _other_constants(value: object) -> tuple[Any, ...]:
    match value:
        case bool():
            return (not value,)
        case int() | float():
            return (value + 1, value - 1)
        case str():
            return (f"XX{value}XX",)
        case bytes():
            return (b"XX" + value,)
        case _:
            return ()


def _without_key(node: ast.Dict, number: int) -> Callable[[], None]:
    def plant() -> None:
        del node.keys[number]
        del node.values[number]

    return plant
