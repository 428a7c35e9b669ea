"""Take one's data along, and leave."""
