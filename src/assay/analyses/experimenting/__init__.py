"""What the questions about experiments share: their runs, their units, their health, what an effect is worth."""
