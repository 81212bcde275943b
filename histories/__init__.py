"""What a history is: operations, columns, readers and the journal."""
