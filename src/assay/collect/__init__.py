"""From the wire or a file to the event line. Knows plan and store, nothing above."""
