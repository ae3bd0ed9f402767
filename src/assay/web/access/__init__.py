"""Who may do what: users, sessions, roles, keys, share links, the audit log. One ``Access`` per workspace.

``Guard`` stands before a workspace's application, ``SecurityHeaders`` before everything; ``requires`` says what a route
asks for; ``pages.routes()`` are the pages of signing in. Everything else is functions that take an ``Access``.
"""
