"""Translation between the outside and the domain, one room per neighbour, unaware of each other."""
