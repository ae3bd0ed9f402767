"""The demo shop: a world with a known truth, as files that go in through the ordinary import."""
