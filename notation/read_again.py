"""What is read again as it was is the same object: of a long list that changed, only what is new is validated."""

from pydantic import ValidatorFunctionWrapHandler, WrapValidator

# Objects kept: twice the 100,000 items that a file has room for, at about 1 KiB each.
ROOM = 200_000


def read_again() -> WrapValidator:
    """For frozen models that depend on nothing but the value: `Annotated[RouteSpec, read_again()]`.

    What is refused is not kept, so that it is told each time.
    """
    known: dict[object, object] = {}

    def read(value: object, handler: ValidatorFunctionWrapHandler) -> object:
        if len(known) > ROOM:
            known.clear()
        # A mapping's repr tells it from every other, 1 from true and '1'; a text is told from a mapping by the tuple.
        key = value if type(value) is str else (repr(value),)
        found = known.get(key)
        if found is None:
            found = known[key] = handler(value)
        return found

    return WrapValidator(read)
