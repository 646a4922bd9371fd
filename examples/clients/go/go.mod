module example.com/consul-client

go 1.24
