"""Rewrites Python 2 files in place as Python 3, as far as graders need it.

Statements are found by Python's own tokens, so nothing in a string or a comment
is touched. What is rewritten: `print`, `except KIND, NAME`, the name of a
function, and opening a file. Whatever else differs is in run.py.
"""

import ast
import io
import sys
import tokenize

OPENING, CLOSING = "([{", ")]}"
AT_A_STATEMENT = (tokenize.NEWLINE, tokenize.NL, tokenize.INDENT, tokenize.DEDENT, tokenize.COMMENT)


def is_op(token, text):
    return token.type == tokenize.OP and token.string == text


def end_of_statement(tokens, index):
    """The index of the token after the last one of the statement."""
    depth = 0
    while True:
        token = tokens[index]
        if token.type == tokenize.OP:
            depth += (token.string in OPENING) - (token.string in CLOSING)
        if depth == 0 and is_op(token, ";"):
            return index
        if token.type in (tokenize.NEWLINE, tokenize.COMMENT, tokenize.ENDMARKER):
            return index
        index += 1


def comma(tokens, start, end):
    """The index of the first comma that is not inside of something."""
    depth = 0
    for index in range(start, end):
        token = tokens[index]
        if token.type == tokenize.OP:
            depth += (token.string in OPENING) - (token.string in CLOSING)
            if depth == 0 and token.string == ",":
                return index
    return None


def edits_of_print(tokens, index):
    """`print >> FILE, A, B,` becomes `print(A, B, end=" ", file=FILE)`."""
    start, end = index + 1, end_of_statement(tokens, index + 1)
    word = tokens[index]
    options = ""
    edits = []
    if start < end and is_op(tokens[start], ">>"):
        split = comma(tokens, start, end)
        last = split if split is not None else end
        name = text_between(tokens[start + 1].start, tokens[last - 1].end)
        options = ", file=" + name
        start = last if split is None else last + 1
        edits.append((word.end, tokens[start].start if start < end else tokens[last - 1].end, "("))
    elif start < end:
        edits.append((word.end, tokens[start].start, "("))
    else:
        edits.append((word.end, word.end, "("))
    if start < end and is_op(tokens[end - 1], ","):
        options = ', end=" "' + options
        edits.append((tokens[end - 1].start, tokens[end - 1].end, ""))
    if start >= end:
        options = options[2:]
    edits.append((tokens[end - 1].end, tokens[end - 1].end, options + ")"))
    return edits


def edits_of_except(tokens, index):
    """`except KIND, NAME:` becomes `except KIND as NAME:`."""
    depth, end = 0, index + 1
    while depth or not is_op(tokens[end], ":"):
        if tokens[end].type == tokenize.OP:
            depth += (tokens[end].string in OPENING) - (tokens[end].string in CLOSING)
        end += 1
    split = comma(tokens, index + 1, end)
    return [] if split is None else [(tokens[split].start, tokens[split].end, " as")]


def edits_of(tokens):
    edits = []
    fresh = True
    for index, token in enumerate(tokens):
        if token.type == tokenize.NAME:
            before = tokens[index - 1] if index else None
            after = tokens[index + 1]
            if token.string == "print" and fresh:
                edits += edits_of_print(tokens, index)
            elif token.string == "except" and fresh:
                edits += edits_of_except(tokens, index)
            elif token.string == "func_name" and before and is_op(before, "."):
                edits.append((token.start, token.end, "__name__"))
            elif token.string == "file" and is_op(after, "(") and not (before and is_op(before, ".")):
                edits.append((token.start, token.end, "open"))
        fresh = token.type in AT_A_STATEMENT or is_op(token, ";") or is_op(token, ":")
    return edits


def text_between(start, end):
    (row, column), (last_row, last_column) = start, end
    if row == last_row:
        return lines[row - 1][column:last_column]
    middle = lines[row:last_row - 1]
    return "".join([lines[row - 1][column:]] + middle + [lines[last_row - 1][:last_column]])


def converted(text):
    global lines
    lines = text.splitlines(keepends=True)
    tokens = list(tokenize.generate_tokens(io.StringIO(text).readline))
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    place = lambda position: starts[position[0] - 1] + position[1]
    edits = [(place(start), place(end), new) for start, end, new in edits_of(tokens)]
    # From behind, and of two at one place the later one first.
    for _, (start, end, new) in sorted(enumerate(edits), key=lambda e: (e[1][0], e[0]), reverse=True):
        text = text[:start] + new + text[end:]
    return text


for name in sys.argv[1:]:
    with open(name, encoding="utf-8", errors="surrogateescape", newline="") as file:
        before = file.read()
    try:
        ast.parse(before)
        continue
    except SyntaxError:
        pass
    try:
        after = converted(before)
        ast.parse(after, name)
    except (SyntaxError, tokenize.TokenError) as error:
        sys.exit("%s cannot be converted for Python 3: %s" % (name, error))
    with open(name, "w", encoding="utf-8", errors="surrogateescape", newline="") as file:
        file.write(after)
