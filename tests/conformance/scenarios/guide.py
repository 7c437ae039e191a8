from tests.conformance.scenarios.telling import plainly

plainly("bookwiz help")
plainly("bookwiz ping")
plainly("bookwiz start")
plainly("bookwiz home")
plainly("bookwiz report", message="Buy <cheap> *GPUs*", why="spam")
