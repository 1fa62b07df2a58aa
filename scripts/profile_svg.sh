#!/bin/bash
# SPDX-License-Identifier: MIT
# Stacked bars, one a row, of a CSV with shares in per cent: profile_svg.sh CSV >SVG
# Its first line names the columns, the first column the rows.
set -euo pipefail
[ $# -eq 1 ] || {
	echo "usage: scripts/profile_svg.sh CSV" >&2
	exit 2
}
[ -f "$1" ] || {
	echo "profile_svg.sh: $1: there is no such file" >&2
	exit 1
}
awk -F, '
	BEGIN {
		split("#4e79a7 #f28e2b #76b7b2 #e15759 #59a14f #b07aa1 #9c9c9c", colour, " ")
		left = 120; width = 560; step = 26
	}
	NR == 1 {
		columns = NF
		for (i = 2; i <= NF; i++) name[i] = $i
		next
	}
	{ row[++rows] = $1; for (i = 2; i <= NF; i++) share[rows, i] = $i }
	END {
		height = rows * step + 44
		printf "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" ", left + width + 40, height
		printf "font-family=\"sans-serif\" font-size=\"12\">\n"
		printf "<rect width=\"100%%\" height=\"100%%\" fill=\"#ffffff\"/>\n"
		for (r = 1; r <= rows; r++) {
			y = (r - 1) * step + 6
			printf "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%s</text>\n", left - 8, y + 14, row[r]
			x = left
			for (i = 2; i <= columns; i++) {
				w = share[r, i] / 100 * width
				printf "<rect x=\"%.1f\" y=\"%d\" width=\"%.1f\" height=\"18\" fill=\"%s\">", x, y, w, colour[i - 1]
				printf "<title>%s %.1f %%</title></rect>\n", name[i], share[r, i]
				if (w > 34)
					printf "<text x=\"%.1f\" y=\"%d\" fill=\"#ffffff\" text-anchor=\"middle\">%.1f</text>\n", \
						x + w / 2, y + 14, share[r, i]
				x += w
			}
		}
		x = left
		for (i = 2; i <= columns; i++) {
			printf "<rect x=\"%d\" y=\"%d\" width=\"12\" height=\"12\" fill=\"%s\"/>\n", x, height - 24, colour[i - 1]
			printf "<text x=\"%d\" y=\"%d\">%s</text>\n", x + 16, height - 14, name[i]
			x += 24 + 6.2 * length(name[i])
		}
		print "</svg>"
	}' "$1"
