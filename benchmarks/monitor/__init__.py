"""What the monitor blames, and what it overlooks, on the sample site without sockets."""
