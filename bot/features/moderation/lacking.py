from bot.kit.command import Refusal


def lacking(field: str, example: str) -> Refusal:
    """The refusal of a command whose arguments only make sense together."""
    return Refusal(
        f"{field.capitalize()} is missing.", code="E_MISSING", fix=f"Type {example}", field=field
    )
