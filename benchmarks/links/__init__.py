"""Links of other lengths: an emulator of them, and what the planner makes of TPC-H over them."""
