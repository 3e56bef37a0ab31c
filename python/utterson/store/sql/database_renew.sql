SELECT renew_database($1, $2)
