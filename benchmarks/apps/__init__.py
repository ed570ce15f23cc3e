"""What is measured: the same small applications under everloop and under AWS's client."""
