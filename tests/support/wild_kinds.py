"""What the analyzers of fake_analyzers/wild.py can do wrong, by name.

That module is a plugin, and no package of the tests'. A test holds the names to be the same.
"""

ERRORS = (
    *("system_exit_0", "system_exit_text", "interrupt", "generator_exit", "stop_iteration", "error"),
    *("memory", "recursion", "unspeakable", "unpicklable", "group", "chained", "nasty", "timeout"),
    *("broken_pipe", "eof", "cancelled"),
)
VALUES = (
    *("none", "nan", "inf", "nan_start", "numpy_nan", "numpy_nan_sure", "none_end", "set", "generator"),
    *("dict", "label_number", "label_bytes", "label_half", "data_set", "data_key", "data_inf", "complex"),
    *("numpy_time", "odd", "odd_inside", "array", "text"),
)
#: Values that are right in some places.
RIGHT_SOMEWHERE = ("dict", "text")
GOOD = ("numpy_scalars", "nasty_label", "nothing")
