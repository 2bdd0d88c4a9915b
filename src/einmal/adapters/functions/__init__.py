"""The functions an agent may call, whichever platform it lives on: names, fields, what they mean, what is answered."""
