SELECT version(), currentUser(), currentDatabase()
