"""The community: members, chat, rules, storage."""
