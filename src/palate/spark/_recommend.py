"""`recommend`: lists for all people of a Spark DataFrame of histories, nothing of it collected."""
