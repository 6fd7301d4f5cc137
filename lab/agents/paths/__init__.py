"""A call's packets over several circuits: carried, repeated, and taken as the first copy comes."""
