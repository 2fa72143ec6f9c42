"""The commands of `allocc`, one file each: what is asked, what is called, what is printed."""
