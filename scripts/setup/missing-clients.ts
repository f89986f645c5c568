// Prints the Debian packages of the clients that this machine lacks, on one line; nothing where all are there.
import { debianPackages, missingClients } from '../../fixtures/clients.ts'

console.log(debianPackages(missingClients()).join(' '))
