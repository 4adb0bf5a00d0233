"""Posts of a panel: read, cleaned, filtered, and sorted into weeks."""
