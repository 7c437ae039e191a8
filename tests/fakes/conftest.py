from tests.fakes.slack.fixtures import slack_fake  # noqa: F401 - fixture
