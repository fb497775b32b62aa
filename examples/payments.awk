# Rent by way of payment, from the field files of tenants' dossiers. Any awk runs it; it knows nothing of dossierfs.
#
#   awk -f payments.awk PURPOSE/*/huur.txt PURPOSE/*/betaalwijze.txt

# .../CODE/FIELD.txt
{
    parts = split(FILENAME, path, "/")
    value[path[parts - 1], path[parts]] = $0
    codes[path[parts - 1]]
}

# Who has left may still have a way of payment, and no rent any more.
END {
    for (code in codes) {
        if (!((code, "huur.txt") in value && (code, "betaalwijze.txt") in value))
            continue
        way = value[code, "betaalwijze.txt"]
        tenants[way]++
        rent[way] += value[code, "huur.txt"]
        all++
        total += value[code, "huur.txt"]
    }
    printf "%-16s %7s %12s\n", "Way of payment", "Tenants", "Rent"
    fflush()
    sorted = "sort"
    for (way in tenants)
        printf "%-16s %7d %12.2f\n", way, tenants[way], rent[way] | sorted
    close(sorted)
    printf "%-16s %7d %12.2f\n", "Total", all, total
}
