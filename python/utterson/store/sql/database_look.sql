SELECT * FROM database_look($1)
