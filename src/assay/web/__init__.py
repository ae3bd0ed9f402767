"""The web application: pages, API. It holds no SQL, no statistics and no business rule; everything is asked."""
