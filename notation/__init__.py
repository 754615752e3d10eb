"""The ground floor: how what people write is read, and how what is wrong with it is said."""
