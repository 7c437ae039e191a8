"""What both platforms' stages do alike: look at what is new on somebody's screen."""

import asyncio

QUIET, LONGEST = 0.5, 8.0  # seconds without a request of the bot; seconds at most


class Untold(Exception):  # noqa: N818 - a fact, as tests read it
    """A line that says nothing that can be done."""


class Side:
    """People at one platform."""

    def __init__(self, fake):
        self.fake, self.people, self._shown = fake, {}, {}

    async def play(self, words):
        """Do *words* and give what the person saw."""
        who, *rest = words
        if who not in self.people:
            deed = getattr(self, f"{who}_", None)
            if deed is None:
                raise Untold(f"there is no {who!r}; people: {', '.join(self.people)}")
            return await deed(*rest)
        if not rest:
            raise Untold("and then?")
        person, (verb, *rest) = self.people[who], rest
        self.news(person)  # what came meanwhile is not shown as an answer
        before = self.screen(person)
        if verb.startswith("/"):
            await self.command(person, [verb, *rest])
        elif verb == "fill":
            given = dict(part.split("=", 1) for part in rest)
            await self.fill(person, given)
        elif verb == "press":
            await self.press(person, " ".join(rest))
        elif verb == "home" and hasattr(self, "home"):
            return await self.home(person)
        elif verb != "sees":
            raise Untold(f"{verb!r} cannot be done")
        if verb == "sees":
            return self.everything(person)
        await self.quiet()
        now = self.screen(person)
        form = f"[form] {self.form_text(now)}" if now is not None and now is not before else ""
        return "\n".join(filter(None, [form, self.news(person)])) or "(nothing)"

    async def quiet(self):
        """Wait until the bot asks for nothing any more."""
        loop = asyncio.get_running_loop()
        end, count, since = loop.time() + LONGEST, -1, loop.time()
        while loop.time() < end and loop.time() - since < QUIET:
            if len(self.fake.requests) != count:
                count, since = len(self.fake.requests), loop.time()
            await asyncio.sleep(0.05)

    def news(self, person):
        """Give what *person* sees that was not there, or read otherwise, when they looked last."""
        shown, lines = self._shown.setdefault(person.id, {}), []
        for key, words in self.seen(person):
            if shown.get(key) != words:
                shown[key] = words
                lines.append(words)
        return "\n---\n".join(lines)

    def everything(self, person):
        """Give the last messages that *person* sees."""
        return "\n---\n".join(words for _, words in self.seen(person)[-6:]) or "(nothing)"
