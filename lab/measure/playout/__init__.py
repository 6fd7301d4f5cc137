"""Playing voice out, afterwards: buffers, concealment, stalls and scores of what arrived."""
