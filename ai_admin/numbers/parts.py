"""What figures can be told apart by, as SQL."""

from ai_admin.numbers import product

PARTS = {
    "model": f"properties.{product.MODEL}",
    "installation": "toString(person_id)",
    "day": "toString(toDate(toTimeZone(timestamp, 'UTC')))",
    "channel": f"person.properties.{product.CHANNEL}",
    "version": f"person.properties.{product.VERSION}",
    "error": f"properties.{product.ERROR}",
}
"""SQL by the name of what it tells apart. Days are in UTC, and installations are still the uuids of their persons."""
