"""Every question on every engine over worlds of several sizes: time, memory, bytes shuffled, growth per tenfold."""
