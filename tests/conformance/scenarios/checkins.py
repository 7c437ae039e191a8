from tests.conformance.scenarios.telling import plainly

plainly("profile reminders", day="friday", hour="9")
plainly("checkin now", done="Read *one* paper", next="Reproduce <it>", blocked="")
plainly("checkin history")
plainly("checkin streak")
plainly("checkin pause", until="2026-12-24")
