"""What people see."""

from .permissions import sees


class Screens:
    """Reading what was said, and by whom it is seen."""

    @property
    def all_messages(self):
        """Every message there is and was, ephemeral and deleted ones, too, oldest first."""
        return sorted((m for c in self.channels for m in c.messages), key=lambda m: m.id)

    def messages(self, channel):
        """Give the messages that everybody in *channel* sees."""
        return channel.said

    def seen_by(self, person):
        """Give every message that *person* sees, in channels and in private, oldest first."""
        found = []
        for channel in self.channels:
            if channel.guild is None:
                visible = channel.with_user.id == person.id
            else:
                member = channel.guild.members.get(person.id)
                visible = member is not None and sees(member, channel)
            if visible:
                found += channel.seen_by(person)
        return sorted(found, key=lambda m: m.id)

    @property
    def pinged(self):
        """Every message of the bot that notifies somebody."""
        return [m for m in self.all_messages if m.by_bot and m.pings]
