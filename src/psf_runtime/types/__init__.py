"""The values that everything here is made of: frozen, slotted, without content in their repr."""
