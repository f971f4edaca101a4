. "${BASH_SOURCE[0]%/*}/../balancer.sh"
t() { local a=$EPOCHREALTIME; "$@"; echo "$1 $(echo "$EPOCHREALTIME - $a" | bc)" >>/tmp/lvs_out.txt; }
t balancer_topology
t start_balancer
cat "$SERVER_LOG" >>/tmp/lvs_out.txt
t start_talkers
