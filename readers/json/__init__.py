"""JSON documents of watches, web services and programs."""
