"""What goes over the wire: shapes and limits, without any I/O."""
