"""What a client may write that is evaluated: expressions, SQL, formulas, arguments of tools.

The checks say what is wrong as a sentence, or None. They are one fence of several: the job's
environment holds no secret, and its process can reach little.
"""

import ast
import re
from collections.abc import Callable
from fnmatch import fnmatchcase

from qgis.core import QgsExpression

from qanat_worker.engine.values import shown

Check = Callable[[str], str | None]
"""A text → what is wrong with it."""

DENIED_FUNCTIONS = frozenset(
    {
        "base_file_name",
        "decode_uri",
        "env",
        "eval",
        "eval_template",
        "exif",
        "exif_geotag",
        "file_exists",
        "file_name",
        "file_path",
        "file_size",
        "file_suffix",
        "is_directory",
        "is_file",
        "layer_property",
        "load_extension",
        "load_layer",
        "mime_type",
        "ogr_geocode",
        "ogr_geocode_reverse",
        "read_file",
        "sqlite_fetch_and_increment",
    }
)
"""Functions that read files or the environment, or evaluate texts that are made while running."""

FORMULA_FUNCTIONS = frozenset(
    [
        "abs",
        "absolute",
        "add",
        "arccos",
        "arcsin",
        "arctan",
        "arctan2",
        "ceil",
        "choose",
        "clip",
        "cos",
        "cosh",
        "degrees",
        "divide",
        "equal",
        "exp",
        "exp2",
        "expm1",
        "fabs",
        "floor",
        "floor_divide",
        "fmax",
        "fmin",
        "fmod",
        "greater",
        "greater_equal",
        "hypot",
        "invert",
        "isclose",
        "isfinite",
        "isinf",
        "isnan",
        "less",
        "less_equal",
        "log",
        "log10",
        "log1p",
        "log2",
        "logical_and",
        "logical_not",
        "logical_or",
        "logical_xor",
        "maximum",
        "mean",
        "median",
        "minimum",
        "mod",
        "multiply",
        "nan",
        "nan_to_num",
        "negative",
        "not_equal",
        "ones_like",
        "pi",
        "power",
        "radians",
        "rint",
        "round",
        "sign",
        "sin",
        "sinh",
        "sqrt",
        "square",
        "std",
        "subtract",
        "sum",
        "tan",
        "tanh",
        "true_divide",
        "trunc",
        "uint8",
        "int16",
        "uint16",
        "int32",
        "uint32",
        "float32",
        "float64",
        "var",
        "where",
        "zeros_like",
    ]
)
"""What a formula of the GDAL raster calculator may name besides its layers A to F."""

_FORMULA_NAMES = FORMULA_FUNCTIONS | frozenset("ABCDEF")
_FORMULA_NODES: tuple[type[ast.AST], ...] = (
    ast.Expression,
    ast.BinOp,
    ast.UnaryOp,
    ast.BoolOp,
    ast.Compare,
    ast.Call,
    ast.Name,
    ast.Constant,
    ast.List,
    ast.Tuple,
    ast.operator,
    ast.unaryop,
    ast.boolop,
    ast.cmpop,
    ast.expr_context,
)

_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_CREATION_OPTIONS = re.compile(r"(\w+=[\w.:+-]*(\|\w+=[\w.:+-]*)*)?")
_IDENTIFIER = re.compile(r"[A-Za-z_]\w{0,62}")
_UNSAFE_ARGUMENT = re.compile(r"""^-(?!\d)|["'\\`$\x00-\x1f\x7f]|^/|://""")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_PART = re.compile(r"[\w .,-]*")
_PIPELINE = re.compile(r"[\w+=.,\- ]*")


def wrong_expression(text: str) -> str | None:
    """An expression of QGIS: must be one, and call no function that reaches outside."""
    parsed = QgsExpression(text)
    if parsed.hasParserError():
        return f"is no expression ({parsed.parserErrorString().strip()}): {shown(text)}"
    called = sorted(DENIED_FUNCTIONS & {name.lower() for name in parsed.referencedFunctions()})
    return f"calls {', '.join(called)}, which is not allowed here" if called else None


def wrong_sql(text: str) -> str | None:
    """A query: one SELECT, and no word that names a function that reaches outside."""
    words = [word.lower() for word in _WORD.findall(text)]
    if not words or words[0] not in ("select", "with"):
        return f"{shown(text)} is no SELECT"
    called = sorted(DENIED_FUNCTIONS & set(words))
    return f"calls {', '.join(called)}, which is not allowed here" if called else None


def wrong_formula(text: str) -> str | None:
    """A formula of the GDAL raster calculator, which Python evaluates: arithmetic, and nothing else."""
    try:
        tree = ast.parse(text, mode="eval")
    except (SyntaxError, ValueError, RecursionError):
        return f"{shown(text)} is no formula"
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id not in _FORMULA_NAMES:
            return f"{shown(node.id)} is none of A to F, and no function that is allowed here"
        if not isinstance(node, _FORMULA_NODES) or _is_text(node):
            return "may hold numbers, A to F, operators and numpy's functions only"
    return wrong_argument(text)


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and not isinstance(node.value, int | float)


def wrong_argument(text: str) -> str | None:
    """A text that becomes an argument of a GDAL tool: it must stay one argument."""
    if _UNSAFE_ARGUMENT.search(text):
        return (
            f"{shown(text)}: may not begin with - or /, nor hold quotes, backslashes, $, control"
            " characters or an address"
        )
    return None


def wrong_condition(text: str) -> str | None:
    """A condition of SQL that stands within double quotes of a shell's line."""
    return wrong_argument(text.replace("'", ""))


def wrong_lines(text: str) -> str | None:
    """Lines that a tool reads from a file: no other control characters."""
    odd = _CONTROL.search(text)
    return f"{shown(text)} holds control characters" if odd else None


def wrong_options(text: str) -> str | None:
    """Creation options of GDAL: NAME=VALUE, several separated by |."""
    return (
        None if _CREATION_OPTIONS.fullmatch(text) else f"{shown(text)} is not NAME=VALUE|NAME=VALUE"
    )


def wrong_identifier(text: str) -> str | None:
    """A name that is pasted into SQL."""
    return None if _IDENTIFIER.fullmatch(text) else f"{shown(text)} is no plain name"


def wrong_pipeline(text: str) -> str | None:
    """A coordinate operation of PROJ: no path of a grid or an init file."""
    if not _PIPELINE.fullmatch(text):
        return f"{shown(text)} is no coordinate operation that names neither files nor addresses"
    return None


def wrong_part(text: str) -> str | None:
    """A text that becomes a part of something evaluated, by a model: it may not end it."""
    return (
        None if _PART.fullmatch(text) else f"{shown(text)} may hold letters, digits and blanks only"
    )


EVALUATED: dict[str, Check] = {
    "expression": wrong_expression,
    "execute_sql": wrong_sql,
    "coordinateoperation": wrong_pipeline,
}
"""Type of parameters → the check of a text that comes to one from a plain text of a model."""

CHECKS: dict[tuple[str, str], Check] = {
    ("gdal:rastercalculator", "FORMULA"): wrong_formula,
    ("gdal:*", "OPTIONS"): wrong_options,
    ("gdal:*", "GEOMETRY"): wrong_identifier,
    ("gdal:*", "*"): wrong_argument,
    ("grass*:*", "*rules*"): wrong_lines,
    ("grass*:*", "config_txt"): wrong_lines,
    ("grass*:*", "*where"): wrong_condition,
    ("grass*:*", "*"): wrong_argument,
}
"""(Pattern of ids, pattern of names) → the check of a text; the first that fits."""

CHECKED_TYPES = frozenset({"string", "field"})
"""Types whose texts come to a tool as they are."""


def check_of(algorithm_id: str, name: str, kind: str) -> Check | None:
    """The check of a parameter's text, if it needs one."""
    if kind not in CHECKED_TYPES:
        return None
    fitting = (
        check
        for (ids, names), check in CHECKS.items()
        if fnmatchcase(algorithm_id, ids) and fnmatchcase(name, names)
    )
    return next(fitting, None)
