"""A recorded run put together for documents: what they tell, before any of them gives it a form."""
